import { useEffect, useState } from 'react'
import type { Job } from '#api/generated/types.gen.ts'
import { type Pace, PaceMeter } from '#live/pace.ts'

/** How fast a running job is, from its events; undefined until that is known. */
export function useJobPace({ progress }: Job): Pace | undefined {
  const [meter] = useState(() => new PaceMeter())
  const [pace, setPace] = useState<Pace>()
  useEffect(() => {
    meter.add({ at: Date.now(), bytes: progress.bytes_done })
    setPace(meter.pace(progress.bytes_total))
  }, [meter, progress])
  return pace
}
