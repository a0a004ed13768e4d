import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const LAUNCHER = fileURLToPath(import.meta.resolve('#launcher'))

it('says which Node it needs, and exits 2, when the Node is older', () => {
  const program = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' }); await import(${JSON.stringify(LAUNCHER)})`
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  expect(run.stderr).toMatch(/needs Node 24 or newer; this is Node 20\.1\.0/)
  expect(run.status).toBe(2)
})

it('has no static import: what an older Node does not export would end it before it can speak', () => {
  expect(readFileSync(LAUNCHER, 'utf8')).not.toMatch(/^import /m)
})

it('loads neither chat nor catalog nor schemas before a command wants them: they take longer than all else of a start', () => {
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) })`
  const run = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, LAUNCHER, '--version'],
    { encoding: 'utf8' },
  )
  expect(run.status).toBe(0)
  const loaded = run.stderr.split('\n')
  expect(loaded).toContainEqual(expect.stringMatching(/\/commander\//))
  expect(loaded).not.toContainEqual(
    expect.stringMatching(
      /\/node_modules\/(kysely|pg|zod|yaml|express)\/|\/(archive|database)\/src\/|\/services\//,
    ),
  )
})
