import { startEmulator } from '#index.ts'

/**
 * Runs an emulator on the data folder given as argument, says its URL, and tells its peak memory when asked.
 */
const [dataDir] = process.argv.slice(2)
const emulator = await startEmulator(dataDir === undefined ? {} : { dataDir })
// Sampled, since the system's own maximum counts what the parent held when it forked.
let peakBytes = 0
const sample = () => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
}
setInterval(sample, 5)
process.on('message', () => {
  sample()
  process.send?.({ peakBytes })
})
process.on('disconnect', () => process.exit())
process.send?.({ url: emulator.url })
