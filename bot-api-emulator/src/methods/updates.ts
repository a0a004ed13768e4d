import type { MethodCall } from '#methods/method.ts'
import type { Update } from '#world/records.ts'
import { type Json, showMessage } from '#world/showing.ts'

/** Longest wait for updates (LONG_POLL_MAX_TIMEOUT in telegram-bot-api Client.h). */
const MAX_TIMEOUT_SECONDS = 50
const MAX_UPDATES = 100

/**
 * getUpdates: waits in real time up to `timeout` seconds when there are none; a newer poll ends it with 409.
 */
export async function getUpdates(call: MethodCall): Promise<Json[]> {
  const { parameters } = call
  const limit = parameters.has('limit') ? clamp(parameters.integer('limit'), 1, MAX_UPDATES) : MAX_UPDATES
  const timeoutMs = clamp(parameters.integer('timeout'), 0, MAX_TIMEOUT_SECONDS) * 1000
  const poll = call.polls.begin(call.bot.id)
  try {
    confirm(call, parameters.integer('offset'))
    if (pending(call).length === 0 && timeoutMs > 0) await arrival(call, timeoutMs, poll.signal)
    return pending(call)
      .slice(0, limit)
      .map(update => showUpdate(call, update))
  } finally {
    poll.end()
  }
}

/** deleteWebhook: there is never one. grammY calls it before it polls. */
export function deleteWebhook(): true {
  return true
}

/** An offset confirms what came before it; a negative one leaves so many of the last. */
function confirm(call: MethodCall, offset: number): void {
  const updates = pending(call)
  const kept = offset < 0 ? updates.slice(offset) : updates.filter(update => update.id >= offset)
  const below = kept[0]?.id ?? call.world.nextUpdateId(call.bot.id)
  if (kept.length < updates.length)
    call.world.commit({ kind: 'updates-confirmed', botId: call.bot.id, below })
}

function pending({ world, bot, limits }: MethodCall): readonly Update[] {
  const oldestMs = world.clock.now() - limits.updateLifetimeMs
  return world.updates(bot.id).filter(update => update.atMs > oldestMs)
}

/** Resolves when there is an update for the bot or the time is over. Rejects when the poll is ended. */
async function arrival(call: MethodCall, timeoutMs: number, ended: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([ended, call.signal])
  await new Promise<void>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      stopListening()
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = () => finish(() => reject(signal.reason))
    const timer = setTimeout(() => finish(resolve), timeoutMs)
    const stopListening = call.world.onUpdate(() => {
      if (pending(call).length > 0) finish(resolve)
    })
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}

function showUpdate({ world, bot }: MethodCall, update: Update): Json {
  const message = world.anyMessage(update.box, update.messageId)
  return { update_id: update.id, ...(message ? { [update.type]: showMessage(world, bot, message) } : {}) }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
