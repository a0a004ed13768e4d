import { useEffect, useState } from 'react'
import { currentTime } from '#format/clock.ts'

/** Milliseconds since 1970; while `isMoving`, it goes on each second. */
export function useSeconds(isMoving = true): number {
  const [now, setNow] = useState(() => currentTime())
  useEffect(() => {
    if (!isMoving) return
    const timer = setInterval(() => setNow(currentTime()), 1_000)
    return () => clearInterval(timer)
  }, [isMoving])
  return now
}
