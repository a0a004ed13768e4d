// Many clients at once against a real `serve`; writes its numbers into docs/operations.md. `--seconds N`
// (60), `--readers N` (200), `--uploaders N` (8), `--upload MIB` (8) and `--large MIB` (2048) change the
// effort; `--no-page` writes no page.
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Access, agentFor, call, noise, readOn, Tally, uploadOn } from '#load/clients.ts'
import { peaksOf, watchMemory } from '#load/memory.ts'
import { openService } from '#load/service.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    readers: { type: 'string', default: '200' },
    uploaders: { type: 'string', default: '8' },
    upload: { type: 'string', default: '8' },
    large: { type: 'string', default: '2048' },
    'no-page': { type: 'boolean', default: false },
  },
})
const [seconds, readers, uploaders, upload, large] = [
  Number(values.seconds),
  Number(values.readers),
  Number(values.uploaders),
  Number(values.upload),
  Number(values.large),
]
const MEBIBYTE = 2 ** 20
const PORT = 18_080
const BACKUPS = 2_000
const STRETCHES = 6
const PAGE = join(import.meta.dirname, '..', 'docs', 'operations.md')

const service = await openService(PORT, BACKUPS)
let failed = false
const lines: string[] = []
function tell(line: string): void {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}

try {
  const { serve, key } = service
  const access: Access = { url: serve.url, key, agent: agentFor(readers) }
  const { text } = await call(access, '/backups?limit=100')
  const ids = (JSON.parse(text) as { items: Array<{ id: string }> }).items.map(({ id }) => id)
  const [reading, uploading] = [new Tally(), new Tally()]

  const curve = watchMemory(serve.pid)
  const until = performance.now() + seconds * 1000
  const uploadAccess = { ...access, agent: agentFor(uploaders) }
  await Promise.all([
    ...Array.from({ length: readers }, () => readOn(access, ids, until, reading)),
    ...Array.from({ length: uploaders }, () => uploadOn(uploadAccess, upload * MEBIBYTE, until, uploading)),
  ])
  curve.stop()
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  tell(
    `\`npm run load\` on ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}: ` +
      `one \`serve\`, the embedded catalog with ${BACKUPS} backups, the local Bot API emulator and all clients on these processors; ` +
      `${readers} clients read and ${uploaders} upload ${upload} MiB each, over and over for ${seconds} s.`,
  )
  tell('')
  tell('| what | answers | errors | p50 | p95 | p99 |')
  tell('| --- | --- | --- | --- | --- | --- |')
  for (const [what, tally] of [
    ['reads', reading],
    ['uploads', uploading],
  ] as const) {
    const errors = [...tally.errors.values()].reduce((sum, count) => sum + count, 0)
    failed ||= errors > 0 || tally.seconds.length === 0
    const times = [0.5, 0.95, 0.99].map(share => `${tally.percentile(share).toFixed(0)} ms`)
    tell(`| ${what} | ${tally.seconds.length} | ${errors} | ${times.join(' | ')} |`)
    for (const [status, count] of tally.errors) process.stderr.write(`${what}: ${count} × ${status}\n`)
  }
  tell('')
  tell(
    `${((uploading.seconds.length * upload) / seconds).toFixed(1)} MiB/s uploaded meanwhile. Resident memory of \`serve\`, the peak of each sixth of that time: ${peaksOf(curve, STRETCHES).join(', ')} MiB.`,
  )

  const transfers: string[] = []
  const largeCurve = watchMemory(serve.pid)
  let started = performance.now()
  const sent = await call(access, '/backups/upload?project_id=large&type=storage', noise(large * MEBIBYTE))
  largeCurve.stop()
  failed ||= sent.status !== 201
  if (sent.status !== 201) process.stderr.write(`${sent.status}: ${sent.text.slice(0, 300)}\n`)
  transfers.push(
    `up in ${((performance.now() - started) / 1000).toFixed(0)} s with ${peaksOf(largeCurve, STRETCHES).join(', ')} MiB`,
  )
  if (sent.status === 201) {
    const { databaseRecord } = JSON.parse(sent.text) as { databaseRecord: { id: string } }
    const backCurve = watchMemory(serve.pid)
    started = performance.now()
    const back = await call(access, `/backups/${databaseRecord.id}/content`)
    backCurve.stop()
    failed ||= back.status !== 200 || back.bytes !== large * MEBIBYTE
    if (back.bytes !== large * MEBIBYTE) process.stderr.write(`back: ${back.status}, ${back.bytes} bytes\n`)
    transfers.push(
      `down in ${((performance.now() - started) / 1000).toFixed(0)} s with ${peaksOf(backCurve, STRETCHES).join(', ')} MiB`,
    )
  }
  tell(`One body of ${large} MiB: ${transfers.join('; ')}.`)
} finally {
  await service.close()
}

if (!failed && !values['no-page']) {
  const page = await readFile(PAGE, 'utf8')
  await writeFile(
    PAGE,
    page.replace(/(<!-- load -->\n)[\s\S]*?(<!-- \/load -->)/, `$1\n${lines.join('\n')}\n\n$2`),
  )
}
process.exitCode = failed ? 1 : 0
