import { useEffect, useState } from 'react'
import { useSeconds } from '#format/use-seconds.ts'
import { type Pace, PaceMeter } from '#live/pace.ts'

/**
 * How fast something gets on, looked at each second, so that what stands still has no speed. Undefined until
 * that is known.
 */
export function usePace(bytes: number, total: number | null): Pace | undefined {
  const [meter] = useState(() => new PaceMeter())
  const [pace, setPace] = useState<Pace>()
  const now = useSeconds()
  useEffect(() => {
    meter.add({ at: now, bytes })
    setPace(meter.pace(total))
  }, [meter, now, bytes, total])
  return pace
}
