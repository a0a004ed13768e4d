/** What a pack may hold. A reader refuses more, so that no pack of others takes more memory. */
export const PACK_LIMITS = {
  frames: 4096,
  /** Plain bytes of a frame, at most. */
  frameBytes: 1_048_576,
  records: 4096,
  /** Extents of one object: 160 GB in packs of 20 MiB. */
  extents: 8192,
  /** Earlier packs that one pack names. */
  names: 16,
  /** Content of the skippable frame, padding included. */
  headerBytes: 2_097_152,
  /** UTF-8 of an object's key, as in S3. */
  keyBytes: 1024,
  /** Sequences in `not` of a checkpoint. */
  uncovered: 1000,
  /** A line of a checkpoint; one with 8,192 extents has less than 1 MiB. */
  lineBytes: 2_097_152,
} as const
