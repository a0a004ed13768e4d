import type { Bucket, ObjectVersion } from '@telegram-backup/database'

/** A part of an object's bytes. */
export interface ByteRange {
  /** Of the first byte, from 0. */
  start: number
  /** Of the last byte; at most the object's last one. */
  end: number
}

export interface PutObject {
  /** 1 to 1,024 bytes of UTF-8, without U+0000. */
  key: string
  /** Read once, and only as fast as it can be stored. Each piece need be valid only until the next one. */
  body: AsyncIterable<Uint8Array>
  /** Bytes of the body, if the client said so; another length is refused. */
  size?: number | undefined
  /** What the body must hash to, hex; other bytes are refused, and nothing stays. */
  sha256?: string | undefined
  /**
   * chat: in messages (the default) · chat and catalog: also in the catalog, if it is at most 64 KiB, so that
   * reads need neither a download nor a private key · catalog: there alone, for what need not survive the
   * server, such as locks; at most 64 KiB.
   */
  where?: 'chat' | 'chat and catalog' | 'catalog' | undefined
  /** Refuses a key that exists with other bytes; the same bytes are a success. Default: overwrites. */
  ifAbsent?: boolean | undefined
  /** The client's; for S3. */
  etag?: string | undefined
  meta?: Record<string, string> | undefined
}

export interface GetOptions {
  /** Default: all of it. */
  range?: ByteRange | undefined
  /**
   * A whole object of at most 64 KiB is kept in the catalog from then on, so that the next reads need neither
   * a download nor a private key.
   */
  keep?: boolean | undefined
  signal: AbortSignal
}

export interface ListedObject {
  key: string
  /** Bytes. */
  size: number
}

/**
 * The objects of all buckets. Reads and lists come from the catalog, so they see every write that any process
 * has answered. Errors are `BackupError`s: NOT_FOUND (no bucket, or no object), CONFLICT (`ifAbsent`),
 * INVALID (a key, a range or a body that is not what was said), FULL (the bucket's limit), BUSY (an undelete
 * is under way), NO_KEY (a private
 * key is needed to read), INTEGRITY (the chat does not give back what was sent), CONFIGURATION (the chat
 * belongs to another catalog now), UNREACHABLE, CATALOG, CANCELLED.
 */
export interface ObjectStore {
  /** The bucket of that name, not removed. */
  bucket(name: string): Promise<Bucket>
  /**
   * Resolves when the bytes are in messages that Telegram has proven, one transaction of the catalog says so,
   * and the chat still belongs to this catalog. After an error, nothing of it is visible.
   */
  put(bucket: Bucket, object: PutObject, options: { signal: AbortSignal }): Promise<ObjectVersion>
  head(bucket: Bucket, key: string): Promise<ObjectVersion>
  /**
   * Checked bytes of the object, or of a range of it. The body throws when the chat cannot give it whole.
   * Each piece has memory of its own, which whoever takes it may free.
   */
  get(
    bucket: Bucket,
    key: string,
    options: GetOptions,
  ): Promise<{ object: ObjectVersion; body: AsyncIterable<Buffer> }>
  /** All objects whose key begins with `prefix`, by the bytes of their keys, in pages. */
  list(bucket: Bucket, of: { prefix: string; after?: string | undefined }): AsyncIterable<ListedObject[]>
  /**
   * The object is gone from the catalog; the chat learns it with the next pack, or within 60 s. False when
   * there was none.
   */
  delete(bucket: Bucket, key: string): Promise<boolean>
  /**
   * Takes all of a bucket back to the moment that `beginUndelete` has recorded; what is in the catalog alone
   * stays. Resolves when the bucket is as it was then and open again, whichever process did it; at once when
   * no undelete is under way. After a failure, the same call continues. Throws BUSY while a message of
   * another process may still come, and CONFLICT when an undelete to another moment has begun.
   */
  finishUndelete(bucket: Bucket, options: { signal: AbortSignal }): Promise<void>
  /**
   * Looks after the buckets until the signal fires: tells the chat of deletions, draws checkpoints, collects
   * garbage and copies to the second chat. Several processes may do it at once. Never throws.
   */
  tend(options: { signal: AbortSignal }): Promise<void>
  /** Sends what is under way, and a checkpoint of each bucket that changed. Ends `tend`. */
  close(options: { graceMs: number }): Promise<void>
}
