-- One row names this catalog. A chat belongs to one catalog: captions and the pinned index carry this id and
-- the generation, which grows by one each time a catalog is rebuilt from the chat.
create table control_plane.catalog (
  only_row   boolean primary key default true check (only_row),
  id         uuid not null default gen_random_uuid(),
  generation integer not null default 1 check (generation >= 1),
  created_at timestamptz(3) not null default now()
);

insert into control_plane.catalog default values;
