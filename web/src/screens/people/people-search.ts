const TABS = ['people', 'keys', 'sessions'] as const
type PeopleTab = (typeof TABS)[number]

/** What the address of the screen says. */
export interface PeopleSearch {
  tab?: PeopleTab
  /** Sessions of this person alone. */
  person?: string
  /** Where the page of the list begins. */
  cursor?: string
}

export function readPeopleSearch({ tab, person, cursor }: Record<string, unknown>): PeopleSearch {
  const known = TABS.find(one => one === tab)
  return {
    ...(known !== undefined && { tab: known }),
    ...(typeof person === 'string' && /^[0-9a-f-]{36}$/i.test(person) && { person }),
    ...(typeof cursor === 'string' && /^[\w-]{1,200}$/.test(cursor) && { cursor }),
  }
}
