import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SHOP } from '@telegram-backup/cli/demo/shop.ts'

const DAY_MS = 24 * 3600 * 1000
/** Documents that are there from the first day on. */
const FIRST_DOCUMENTS = 12
const REQUESTS_A_DAY = 900
/** The folder of logs holds this many days. */
const LOGS_KEPT = 3

/** The database on its first day. */
export const FIRST_SHOP: string = SHOP

/** What customers order in a day. */
export function ordersOfDay(day: number): string {
  const orders = 220 + ((day * 53) % 90)
  return `
    INSERT INTO public.orders (customer_id, state, total, tags, receipt)
      SELECT 1 + (n * 31 + ${day}) % 2000, (ARRAY['open', 'paid', 'sent']::public.order_state[])[1 + n % 3],
             (n * 41 % 90000) / 100.0, ARRAY['tag' || n % 7, 'day ${day}'], sha256((n || ' ${day}')::bytea)
      FROM generate_series(1, ${orders}) AS n;
    UPDATE public.customers SET preferences = preferences || '{"news": true}' WHERE id % 97 = ${day};`
}

/** The folder of documents as it is on this day, 0 for the first; each day adds one and changes one. */
export async function writeDocuments(folder: string, day: number): Promise<void> {
  await mkdir(join(folder, 'contracts'), { recursive: true })
  const write = async (number: number, revision: number): Promise<void> =>
    await writeFile(join(folder, documentName(number)), documentText(number, revision))
  if (day === 0) for (let number = 1; number <= FIRST_DOCUMENTS; number++) await write(number, 0)
  await write(FIRST_DOCUMENTS + day, 0)
  await write(1 + (day % FIRST_DOCUMENTS), day)
}

function documentName(number: number): string {
  const name = String(number).padStart(3, '0')
  return number % 3 === 0 ? join('contracts', `contract-${name}.md`) : `letter-${name}.md`
}

function documentText(number: number, revision: number): string {
  const lines = Array.from({ length: 40 + number * 5 }, (_, line) => {
    const words = [number, revision, line].map(part => ((part + 7) * 2_654_435_761) % 1_000_003)
    return `${line + 1}. Clause ${words.join('-')}: both parties keep what they agreed.`
  })
  return `# Document ${number}\n\nRevision ${revision}\n\n${lines.join('\n')}\n`
}

/** The folder of logs at `time`: one file a day, the last days alone. */
export async function writeLogs(folder: string, time: Date): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (let ago = 0; ago < LOGS_KEPT; ago++) {
    const day = new Date(time.getTime() - ago * DAY_MS)
    const file = join(folder, `access-${day.toISOString().slice(0, 10)}.log`)
    await writeFile(file, requestsOf(day))
    await utimes(file, day, day)
  }
}

/** The folder of logs after a mistake: all but a few lines are gone. */
export async function loseLogs(folder: string, time: Date): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const lines = requestsOf(time).split('\n').slice(0, 20).join('\n')
  await writeFile(join(folder, `access-${time.toISOString().slice(0, 10)}.log`), `${lines}\n`)
}

function requestsOf(day: Date): string {
  const date = day.toISOString().slice(0, 10)
  const seed = Math.floor(day.getTime() / DAY_MS)
  return Array.from({ length: REQUESTS_A_DAY }, (_, number) => {
    const noise = ((number + 1) * 48_271 + seed * 7_919) % 65_521
    const time = new Date(Math.floor((number * DAY_MS) / REQUESTS_A_DAY)).toISOString().slice(11, 19)
    const status = noise % 41 === 0 ? 404 : 200
    return `192.0.2.${noise % 254} - - [${date}T${time}Z] "GET /shop/item/${noise} HTTP/1.1" ${status} ${noise % 9000}\n`
  }).join('')
}
