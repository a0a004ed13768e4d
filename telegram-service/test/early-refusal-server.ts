import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

// A process of its own: only then do its answer and its close come while the client writes. It answers as
// soon as it has so many bytes, and closes at once with the rest unread, which makes the kernel reset the
// connection.
const answerAfterBytes = Number(process.argv[2])
const BODY = '{"ok":false,"error_code":413,"description":"Request Entity Too Large"}'

const server = createServer(socket => {
  let received = 0
  socket.on('error', () => {})
  socket.on('data', chunk => {
    received += chunk.length
    if (received < answerAfterBytes || socket.writableEnded) return
    socket.pause()
    socket.end(
      `HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`,
      () => socket.destroy(),
    )
  })
}).listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.on('disconnect', () => process.exit())
