import type { ClientRequest } from 'node:http'
import type { UploadRate } from '#bot-api/upload-rate.ts'

/** A slow line (1 KB/s) sends one before it counts as stalled. */
const WRITE_SLICE_BYTES = 64 * 1024

export interface BodyUpload {
  outgoing: ClientRequest
  body: readonly Buffer[]
  rate: UploadRate | undefined
  ended: AbortSignal
  hasAnswer: () => boolean
  /** The connection has taken that many bytes, or may go on: a stall is timed from here. */
  onMoved: (bytesOut: number) => void
  /** The rate limit, not the line, holds the upload up. */
  onHeld: () => void
}

/**
 * Writes in slices, as fast as the connection and the rate allow, so that a stall and a slow line can be told
 * apart. The last slice goes with the end: nothing may happen between it and the news that the body is out.
 * A server that refuses an upload (413) may answer and close while the body still goes out. A later write
 * fails, and Node then drops the socket with the unread answer. So the event loop checks for input between
 * slices (two immediates have that between them), and an answer ends the writing.
 */
export async function uploadBody(upload: BodyUpload): Promise<void> {
  const { outgoing, rate } = upload
  const slices = upload.body.flatMap(piece => inSlices(piece, rate?.pieceBytes ?? WRITE_SLICE_BYTES))
  const last = slices.pop() ?? Buffer.alloc(0)
  let bytesOut = 0
  for (const slice of slices) {
    if (!(await mayWrite(upload, slice.length, bytesOut))) return
    bytesOut += slice.length
    if (!outgoing.write(slice)) {
      await new Promise(resolve => outgoing.once('drain', resolve))
      upload.onMoved(bytesOut)
    }
    await new Promise(resolve => setImmediate(setImmediate, resolve))
  }
  if (await mayWrite(upload, last.length, bytesOut)) outgoing.end(last)
}

/** Waits for the rate; false when the exchange is over, or has its answer. */
async function mayWrite(upload: BodyUpload, bytes: number, bytesOut: number): Promise<boolean> {
  const isOver = (): boolean => upload.ended.aborted || upload.outgoing.destroyed || upload.hasAnswer()
  if (isOver() || !upload.rate) return !isOver()
  upload.onHeld()
  await upload.rate.take(bytes, upload.ended).catch(() => {})
  if (isOver()) return false
  upload.onMoved(bytesOut)
  return true
}

function inSlices(piece: Buffer, sliceBytes: number): Buffer[] {
  const count = Math.ceil(piece.length / sliceBytes)
  return Array.from({ length: count }, (_, index) =>
    piece.subarray(index * sliceBytes, (index + 1) * sliceBytes),
  )
}
