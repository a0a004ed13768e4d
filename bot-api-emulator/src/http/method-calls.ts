import { refusal } from '#answers.ts'
import { answerResult } from '#http/answering.ts'
import { authenticate } from '#http/authentication.ts'
import { ConnectionCut, firstHalf, wholeBody } from '#http/cutting.ts'
import { answerFailure, answerInstead, type Backstage, type Exchange, sufferBefore } from '#http/exchange.ts'
import { readParameters } from '#http/request-body.ts'
import { RequestParameters } from '#http/request-parameters.ts'
import { methodNamed } from '#methods/table.ts'

/** Which method, and with whose token. */
interface MethodRoute {
  readonly token: string
  readonly method: string
}

/** A call of a method from its first byte to the answer; what it changed is on disk before the answer leaves. */
export async function answerMethod(
  exchange: Exchange,
  route: MethodRoute,
  backstage: Backstage,
): Promise<void> {
  const { request, response, query, signal } = exchange
  const { store, limits } = backstage
  const fault = backstage.faults.next(route.method)
  const visit = backstage.traffic.begin(route.method)
  let parameters = new RequestParameters()
  try {
    await sufferBefore(fault, signal)
    const body = fault?.kind === 'reset-during' ? firstHalf(request) : wholeBody(request)
    parameters = await readParameters({ request, body, query, store, limits })
    if (answerInstead(response, fault)) return
    const result = await perform(route, parameters, { ...backstage, signal })
    if (fault?.kind === 'answer-lost') throw new ConnectionCut()
    answerResult(response, result)
  } catch (error) {
    await answerFailure(exchange, error)
  } finally {
    visit.end({
      atMs: backstage.world.clock.now(),
      botId: backstage.world.botByToken(route.token)?.id,
      parameters: parameters.texts,
      uploadBytes: parameters.uploads.reduce((sum, file) => sum + file.sizeBytes, 0),
      status: response.headersSent ? response.statusCode : undefined,
    })
    await discardUnused(parameters, backstage)
  }
}

async function perform(
  route: MethodRoute,
  parameters: RequestParameters,
  backstage: Backstage & { signal: AbortSignal },
): Promise<unknown> {
  const bot = authenticate(backstage.world, route.token)
  const method = methodNamed(route.method)
  if (method === undefined) throw refusal('methodNotFound')
  const result = await method({ ...backstage, bot, parameters })
  await backstage.kept()
  return result
}

/** Removes the files that the call brought and no document holds. */
async function discardUnused(parameters: RequestParameters, { world, store }: Backstage): Promise<void> {
  if (parameters.uploads.length === 0) return
  const used = new Set([...world.documents.values()].map(document => document.storedAs))
  for (const { storedAs } of parameters.uploads) if (!used.has(storedAs)) await store.discard(storedAs)
}
