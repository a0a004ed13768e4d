import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DoorsWorld, openDoorsWorld } from '#test/doors/doors-world.ts'
import { type ResticSuite, resticSuite } from '#test/doors/restic-suite.ts'

let suite: ResticSuite
let world: DoorsWorld
beforeAll(async () => {
  suite = await resticSuite()
  world = await openDoorsWorld({})
  await world.serve()
})
afterAll(() => world?.close())

it('restic’s own suite of backends passes over the door, in all its groups', async () => {
  const makeKey = await world.bucket('conf')
  const { stdout } = await promisify(execFile)(
    suite.program,
    ['-test.v', '-test.run', 'TestBackendRESTExternalServer'],
    { cwd: suite.folder, env: { ...process.env, RESTIC_TEST_REST_REPOSITORY: await makeKey() } },
  ).catch((error: Error & { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }))
  const verdicts = stdout.match(/^ {4}--- (PASS|FAIL|SKIP): \S+/gm) ?? []
  expect(verdicts.filter(line => !line.includes('PASS')).join('\n'), stdout).toBe('')
  expect(verdicts.length).toBeGreaterThanOrEqual(11)
  expect(stdout).toMatch(/^PASS$/m)
})
