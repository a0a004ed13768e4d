import { type ExchangeRequest, exchange } from '#bot-api/http-exchange.ts'

// Makes exchanges that end in every way, and then has nothing left to do: if the process stays, something was
// left behind. Arguments: URLs of a server that answers, one that resets, one that stalls, one that refuses
// early.
const [answering, resetting, stalling, refusing] = process.argv.slice(2) as [string, string, string, string]
const patient = {
  connectMs: 3_600_000,
  stallMs: 3_600_000,
  answerMs: 3_600_000,
  answerAfterCancelMs: 3_600_000,
}
const large = [Buffer.alloc(4 * 1024 * 1024)]

async function attempt(url: string, request: Partial<ExchangeRequest> = {}): Promise<string> {
  try {
    const { status } = await exchange({
      url: new URL(url),
      method: 'POST',
      body: [Buffer.from('{}')],
      repeatable: false,
      answer: { maxBytes: 1000 },
      timeouts: patient,
      ...request,
    })
    return String(status)
  } catch (error) {
    return (error as { code: string }).code
  }
}

const cancel = new AbortController()
const outcomes = await Promise.all([
  attempt(answering),
  attempt(answering, { repeatable: true }),
  attempt(answering, { body: large, signal: cancel.signal }),
  attempt(answering, { answer: { maxBytes: 1 } }),
  attempt(resetting),
  attempt(resetting, { repeatable: true }),
  attempt(stalling, { timeouts: { ...patient, answerMs: 50 } }),
  attempt(stalling, { repeatable: true, timeouts: { ...patient, answerMs: 50 } }),
  attempt(refusing, { body: large }),
  attempt('http://127.0.0.1:1'),
])
cancel.abort()
process.stdout.write(outcomes.join(' '))
