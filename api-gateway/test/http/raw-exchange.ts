import { once } from 'node:events'
import { connect } from 'node:net'

/** Writes bytes on a connection as they are, and returns all that comes back until the other side ends it. */
export async function rawExchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let answer = ''
  socket.setEncoding('latin1').on('data', chunk => {
    answer += chunk
  })
  // A reset is an end as well.
  socket.on('error', () => {})
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return answer
}
