/**
 * How often a test repeats what chance decides: `rounds` times in `npm test`. `npm run test:nightly` sets
 * TEST_ROUNDS, by which that number is multiplied.
 */
export function roundsOf(rounds: number): number {
  const times = Number(process.env['TEST_ROUNDS'] ?? 1)
  if (!Number.isInteger(times) || times < 1) throw new Error('TEST_ROUNDS is no whole number from 1')
  return rounds * times
}
