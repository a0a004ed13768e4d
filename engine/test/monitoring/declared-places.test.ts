import { expect, it } from 'vitest'
import { readNotificationSettings } from '#config/notification-settings.ts'
import { readConfig } from '#environment.ts'
import { declaredSources } from '#monitoring/declared-places.ts'

it('drills by themselves are wanted where a key is, unless the file says otherwise', () => {
  const key = readConfig({ BACKUP_AGE_IDENTITY_FILE: '/key' })
  const none = readConfig({})
  const sources: Record<string, object> = {
    plain: { project: 'shop', type: 'database', postgres: 'postgresql://localhost/x' },
    own: { project: 'shop', type: 'database', postgres: 'postgresql://localhost/x', drill_within: '7d' },
    off: { project: 'shop', type: 'storage', directory: '/srv', drill_within: 'off' },
    file: { project: 'shop', type: 'storage', file: '/srv/x' },
  }
  const wanted = (config: typeof key, drillWithinMs?: number | null) =>
    declaredSources(
      {
        sourceNames: [...Object.keys(sources), 'unreadable'],
        source: name => {
          const settings = sources[name]
          if (settings === undefined) throw new Error('a variable of it is not set')
          return settings
        },
        projectOf: () => 'shop',
        notifications: () => readNotificationSettings({}),
        verification: { readAllWithinMs: null, messagesPerHour: 300, drillWithinMs },
      },
      config,
    ).map(({ drill_within_ms }) => drill_within_ms)
  const DAY_MS = 86_400_000
  expect(wanted(key)).toEqual([30 * DAY_MS, 7 * DAY_MS, null, null, null])
  expect(wanted(none)).toEqual([null, 7 * DAY_MS, null, null, null])
  expect(wanted(none, DAY_MS)).toEqual([DAY_MS, 7 * DAY_MS, null, null, null])
  expect(wanted(key, null)).toEqual([null, 7 * DAY_MS, null, null, null])
})
