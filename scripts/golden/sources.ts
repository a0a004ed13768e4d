import { createHash } from 'node:crypto'
import { link, mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'

/** Bytes that no program makes smaller, the same each time. */
export function noise(name: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, number) =>
    createHash('sha256').update(`${name} ${number}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

/** One of everything that is backed up, and the configuration file that names it. */
export async function writeSources(folder: string, server: PostgresServer): Promise<void> {
  await writeUploads(join(folder, 'uploads'))
  await mkdir(join(folder, 'partial'))
  await writeFile(join(folder, 'partial', 'open.txt'), 'everybody may read this\n')
  await writeFile(join(folder, 'partial', 'closed.txt'), 'nobody may read this\n', { mode: 0 })
  await mkdir(join(folder, 'logs', 'web'), { recursive: true })
  await writeFile(join(folder, 'logs', 'app.log'), 'started\nstopped\n')
  await writeFile(join(folder, 'logs', 'web', 'access.log'), 'GET / 200\n'.repeat(500))
  await writeFile(join(folder, 'logs', 'notes.txt'), 'no log\n')
  await writeFile(join(folder, 'disk.img'), noise('disk', 100_000))
  await writeFile(
    join(folder, 'telegram-backup.yaml'),
    `sources:
  shop: { project: shop, type: database, postgres: "\${SHOP_URL}" }
  uploads: { project: shop, type: storage, directory: ${join(folder, 'uploads')} }
  gone: { project: lost, type: storage, directory: ${join(folder, 'not-there')} }
notifications: { chat: false }
`,
  )
  await server.sql('postgres', 'create database catalog; create database again; create role shop_reader')
  await server.sql('postgres', 'create database shop')
  await server.sql('shop', SHOP)
}

/** A directory with what is hard to keep: a hole, a hard link, symbolic links, names of many kinds. */
async function writeUploads(folder: string): Promise<void> {
  await mkdir(join(folder, '2026', 'empty'), { recursive: true })
  await writeFile(join(folder, '2026', 'photo.jpg'), noise('photo', 40_000), { mode: 0o640 })
  await writeFile(join(folder, '2026', 'a name with spaces, ü and "quotes".txt'), 'a text\n')
  await link(join(folder, '2026', 'photo.jpg'), join(folder, 'the-same-photo.jpg'))
  await symlink('2026/photo.jpg', join(folder, 'newest.jpg'))
  await symlink('2026', join(folder, 'this-year'))
  const sparse = await open(join(folder, 'sparse.img'), 'w')
  await sparse.write('at the beginning', 0)
  await sparse.write('in the middle', 4 * 2 ** 20)
  await sparse.truncate(8 * 2 ** 20)
  await sparse.close()
}

const SHOP = `
create schema sales;
create type sales.state as enum ('new', 'paid', 'sent');
create table sales.customer (id int generated always as identity primary key, name text not null, tags text[]);
create table sales.orders (id serial primary key, customer int references sales.customer, state sales.state,
  sum numeric(10, 2) check (sum >= 0), details jsonb, at timestamptz default '2026-01-01');
insert into sales.customer (name, tags) select 'customer ' || n, array['tag ' || n % 7] from generate_series(1, 200) n;
insert into sales.orders (customer, state, sum, details)
  select 1 + n % 200, (array['new', 'paid', 'sent'])[1 + n % 3]::sales.state, n % 1000, jsonb_build_object('ref', md5(n::text))
  from generate_series(1, 800) n;
create index on sales.orders (state) where state <> 'sent';
create view sales.open_orders as select id, customer from sales.orders where state <> 'sent';
create function sales.total(who int) returns numeric language sql stable as
  'select sum(sum) from sales.orders where customer = who';
create materialized view public.totals as select customer, sum(sum) as total from sales.orders group by customer;
grant usage on schema sales to shop_reader;
grant select on sales.open_orders to shop_reader;
comment on table sales.orders is 'what was ordered';
create table public.notes (id int primary key, body text);
insert into public.notes values (1, 'ünïcödé'), (2, null), (3, E'a tab\\t and a line\\n');
alter database shop set work_mem = '8MB';
`
