/** The number of rounds of a random test: `npm run test:nightly` multiplies it by TEST_ROUNDS. */
export function roundsOf(rounds: number): number {
  const times = Number(process.env['TEST_ROUNDS'] ?? 1)
  if (!Number.isInteger(times) || times < 1) throw new Error('TEST_ROUNDS must be a whole number from 1')
  return rounds * times
}
