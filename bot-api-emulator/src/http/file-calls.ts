import { authenticate } from '#http/authentication.ts'
import { ConnectionCut } from '#http/cutting.ts'
import { serveDownload } from '#http/downloads.ts'
import { answerFailure, answerInstead, type Backstage, type Exchange, sufferBefore } from '#http/exchange.ts'

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
  const fault = backstage.faults.next('download')
  const visit = backstage.traffic.begin('download')
  try {
    await sufferBefore(fault, signal)
    if (fault?.kind === 'answer-lost') throw new ConnectionCut()
    if (answerInstead(response, fault)) return
    const bot = authenticate(backstage.world, route.token)
    await serveDownload({ ...exchange, ...backstage, bot, path: route.path, fault })
  } catch (error) {
    await answerFailure(exchange, error)
  } finally {
    visit.end({
      atMs: backstage.world.clock.now(),
      botId: backstage.world.botByToken(route.token)?.id,
      parameters: { path: route.path },
      uploadBytes: 0,
      status: response.headersSent ? response.statusCode : undefined,
    })
  }
}
