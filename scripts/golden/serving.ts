import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Job } from '@telegram-backup/database'
import { commandOf, type GoldenStage } from '#golden/stage.ts'

/** Schedules, an API key, and jobs that a service has done or failed. Gives the key. */
export async function serveForAWhile(stage: GoldenStage): Promise<string> {
  const { id } = await stage.ask<{ id: string }>(
    ...['schedule', 'add', '--source', 'uploads', '--cron', '15 3 * * *', '--timezone', 'Europe/Berlin'],
    ...['--keep-daily', '7', '--keep-minimum', '100'],
  )
  const off = await stage.ask<{ id: string }>('schedule', 'add', '--source', 'shop', '--cron', '0 0 1 1 *')
  await stage.ask('schedule', 'disable', off.id)
  const scopes = ['--scope', 'read,backup,restore,admin']
  const { key } = await stage.ask<{ key: string }>('apikey', 'create', '--name', 'golden', ...scopes)
  await stage.ask('apikey', 'create', '--name', 'reader of the shop', '--scope', 'read', '--project', 'shop')
  const [command = '', ...rest] = commandOf(['serve', '--json', '--port', '0'])
  const serve = spawn(command, rest, { env: stage.env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(serve, 'exit')
  try {
    let said = ''
    for await (const chunk of serve.stdout) {
      said += chunk
      if (said.includes('}')) break
    }
    const { url } = JSON.parse(said) as { url: string }
    await stage.ask('schedule', 'run', id)
    for (const source of ['shop', 'gone']) {
      const answer = await fetch(`${url}/api/v1/backups`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ source }),
      })
      if (answer.status !== 202) throw new Error(`A job was refused: ${answer.status} ${await answer.text()}`)
    }
    await untilAllEnded(stage)
  } finally {
    serve.kill('SIGTERM')
    await ended
  }
  return key
}

async function untilAllEnded(stage: GoldenStage): Promise<void> {
  for (;;) {
    const jobs = await stage.ask<Job[]>('jobs')
    if (jobs.every(({ state }) => state === 'done' || state === 'failed')) return
    await delay(500)
  }
}
