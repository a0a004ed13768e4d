import type { Database } from '@telegram-backup/database'
import { sql } from 'kysely'

/** What a recovery has to bring back of one version: its extents name packs by their numbers. */
export interface KnownVersion {
  key: string
  state: 'live' | 'deleted'
  size: number
  sha256: string
  sequence: number
  extents: [sequence: number, offset: number, length: number][] | null
}

/** The versions of a bucket that are in the chat, as a catalog has them. */
export async function versionsIn({ kysely }: Database, bucketId: string): Promise<KnownVersion[]> {
  const { rows } = await sql<KnownVersion>`
    select object.key, object.state, object.size, object.sha256, object.sequence,
           (select json_agg(json_build_array(pack.sequence, extent.pack_offset, extent.length) order by no)
              from control_plane.extents extent join control_plane.packs pack on pack.id = extent.pack_id
             where extent.object_id = object.id) as extents
      from control_plane.objects object
     where object.bucket_id = ${bucketId} and object.in_chat and object.state <> 'intended'
     order by object.key, object.sequence, object.id`.execute(kysely)
  return rows
}
