/** How late a call is made in one attempt after the other, in milliseconds. */
const LATE_BY_MS = [1_000, 10_000, 60_000]

/**
 * Plays a scene in which something has to happen before a late call is done. The machine may stand still for
 * seconds just then; so the scene resolves to whether it was in time, and is played again with a call that is
 * later. Throws when no call was late enough.
 */
export async function inTime(scene: (lateByMs: number) => Promise<boolean>): Promise<void> {
  for (const lateByMs of LATE_BY_MS) if (await scene(lateByMs)) return
  throw new Error('no call was as late as it was told to be')
}
