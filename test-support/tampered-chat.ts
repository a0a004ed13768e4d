import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy before a Bot API server that changes downloads. */
export interface TamperedChat {
  url: string
  /** Replaces the document with that SHA-256; undefined restores it. */
  replace(sha256: string, bytes: Buffer | undefined): void
  /** The message and its file no longer exist. */
  remove(document: { fileUniqueId: string; messageId: number }): void
  /** Ends all changes. */
  honest(): void
  /** Called before each download; it may wait, or throw to cut the connection. */
  onDownload: (count: number) => Promise<void> | void
  close(): Promise<void>
}

export async function openTamperedChat(serverUrl: string): Promise<TamperedChat> {
  const replacements = new Map<string, Buffer | undefined>()
  const removed = new Map<string, number>()
  let downloads = 0
  const chat: TamperedChat = {
    url: '',
    replace: (sha256, bytes) => void replacements.set(sha256, bytes),
    remove: ({ fileUniqueId, messageId }) => void removed.set(fileUniqueId, messageId),
    honest: () => {
      replacements.clear()
      removed.clear()
      downloads = 0
      chat.onDownload = () => {}
    },
    onDownload: () => {},
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const path = request.url ?? '/'
    const isDownload = path.startsWith('/file/')
    try {
      if (isDownload) await chat.onDownload(++downloads)
    } catch {
      request.socket.destroy()
      return
    }
    const type = request.headers['content-type']
    const answer = await fetch(serverUrl + path, {
      method: request.method ?? 'GET',
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
      ...(pieces.length > 0 ? { body: Buffer.concat(pieces) } : {}),
    })
    const asked = path + Buffer.concat(pieces).toString()
    const refuse = (words: string): void => {
      const refusal = { ok: false, error_code: 400, description: `Bad Request: ${words}` }
      response.writeHead(400).end(JSON.stringify(refusal))
    }
    const isRemoved = [...removed.values()].some(
      id => asked.includes(`"message_id":${id}}`) || asked.includes(`"message_id":${id},`),
    )
    if (path.endsWith('/forwardMessage') && isRemoved) return refuse('message to forward not found')
    if (path.endsWith('/editMessageMedia') && isRemoved) return refuse('message to edit not found')
    const honest = Buffer.from(await answer.arrayBuffer())
    // One file has many ids.
    const isRemovedFile = [...removed.keys()].some(id => honest.includes(`"file_unique_id":"${id}"`))
    if (path.endsWith('/getFile') && isRemovedFile) {
      return refuse('wrong file_id or the file is temporarily unavailable')
    }
    const body = replacements.get(createHash('sha256').update(honest).digest('hex')) ?? honest
    response.writeHead(answer.status, { 'Content-Length': body.length }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  chat.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return chat
}
