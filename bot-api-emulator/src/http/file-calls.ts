import type { CallEvent } from '#control/watchers.ts'
import { authenticate } from '#http/authentication.ts'
import { ConnectionCut } from '#http/cutting.ts'
import { serveDownload } from '#http/downloads.ts'
import {
  answerBeforehand,
  answerFailure,
  answerGone,
  answerInstead,
  type Backstage,
  type Exchange,
  sufferBefore,
} from '#http/exchange.ts'

/** Which file, and with whose token. */
interface FileRoute {
  readonly token: string
  readonly path: string
}

/** A call of the file route, which counts and fails under the name `download`. */
export async function answerDownload(
  exchange: Exchange,
  route: FileRoute,
  backstage: Backstage,
): Promise<void> {
  const { response, signal } = exchange
  const { world, watchers } = backstage
  const fault = backstage.faults.next('download')
  const visit = backstage.traffic.begin('download')
  const botId = world.botByToken(route.token)?.id
  const parameters = { path: route.path }
  const tell = (phase: CallEvent['phase']): Promise<void> =>
    watchers.tell({ method: 'download', phase, call: visit.call, botId, parameters })
  try {
    await sufferBefore(fault, signal)
    await tell('arrived')
    if (fault?.kind === 'answer-lost') throw new ConnectionCut()
    // There is no work that could be done later.
    if (fault?.kind === 'late') return answerBeforehand(exchange, fault)
    if (answerInstead(response, fault, 'download')) return
    const bot = authenticate(world, route.token)
    await serveDownload({ ...exchange, ...backstage, bot, path: route.path, fault })
  } catch (error) {
    await answerFailure(exchange, error)
  } finally {
    visit.end({
      atMs: world.clock.now(),
      botId,
      parameters,
      uploadBytes: 0,
      status: response.headersSent ? response.statusCode : undefined,
      ...(fault ? { fault: fault.kind } : {}),
    })
    await answerGone(exchange)
    await tell('answered')
  }
}
