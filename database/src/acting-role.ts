import { CatalogError } from '#catalog-error.ts'

/**
 * Whether we may act as the present role: we are a member of it, or it was set for our own login (`ALTER ROLE
 * … SET role`). The owner of a database may set another role for all who connect (`ALTER DATABASE … SET
 * role`), and would then own what a superuser makes. The query walks memberships, since a superuser counts as
 * a member of every role.
 */
export const isRoleOfOurs = `
  with recursive ours (role) as (
    select oid from pg_catalog.pg_roles where rolname = session_user
     union
    select member.roleid from pg_catalog.pg_auth_members member join ours on member.member = role
  )
  select exists (select from ours join pg_catalog.pg_roles acting on acting.oid = role where acting.rolname = current_user)
      or exists (select from pg_catalog.pg_db_role_setting setting join pg_catalog.pg_roles login on login.oid = setting.setrole
                   left join pg_catalog.pg_database here on here.oid = setting.setdatabase
                  where login.rolname = session_user and (setting.setdatabase = 0 or here.datname = current_database())
                    and ('role=' || pg_catalog.quote_ident(current_user) = any (setting.setconfig)
                      or 'role=' || current_user = any (setting.setconfig))) as is_ours`

/** The refusal of a role that is not ours. */
export function strangeRole({ actsAs, loggedInAs }: { actsAs: string; loggedInAs: string }): CatalogError {
  return new CatalogError(
    `Who logs in to the catalog’s database as "${loggedInAs}" acts as role "${actsAs}" there`,
    {
      code: 'CONFIGURATION',
      hint: `What is made there would belong to that role. Either its database was set so, by its owner: ALTER DATABASE … RESET role, and take a database of its own for the catalog. Or it is your will: then log in as "${actsAs}", or GRANT it to "${loggedInAs}".`,
    },
  )
}
