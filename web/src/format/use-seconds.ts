import { useEffect, useState } from 'react'

/** Milliseconds since 1970; while `isMoving`, it goes on each second. */
export function useSeconds(isMoving = true): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!isMoving) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [isMoving])
  return now
}
