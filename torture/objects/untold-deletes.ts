import type { Catalog } from '#torture/world/catalog.ts'

/** Names of objects whose delete the chat of a catalog was not told of: a recovery may bring them back. */
export async function untoldDeletes(catalog: Catalog): Promise<Set<string>> {
  const rows = await catalog.rows(
    `select bucket.name, object.key from control_plane.objects object
       join control_plane.object_buckets bucket on bucket.id = object.bucket_id
       left join control_plane.packs pack on pack.id = object.deleted_in
      where object.state = 'deleted' and object.in_chat and (pack.id is null or pack.state = 'intended')`,
  )
  return new Set(rows.map(({ name, key }) => `${name} ${key}`))
}
