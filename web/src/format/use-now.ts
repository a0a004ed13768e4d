import { useEffect, useState } from 'react'

/** The time in ms, again each second while `isMoving`. */
export function useNow(isMoving = true): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!isMoving) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [isMoving])
  return now
}
