import { Group, NativeSelect, TextInput } from '@mantine/core'
import { useFormat } from '#format/format.ts'
import { cronOf, type Rhythm } from '#screens/schedules/rhythm.ts'
import { useLanguage } from '#words/language.tsx'

const KINDS = ['minutes', 'hour', 'day', 'week', 'month', 'own'] as const
/** Those that divide an hour. */
const STEPS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]
const MINUTES = Array.from({ length: 60 }, (_, minute) => minute)
const MONTH_DAYS = Array.from({ length: 31 }, (_, day) => day + 1)
/** A Sunday; the six days after it follow. */
const A_SUNDAY = Date.UTC(2026, 0, 4)
const DAY_MS = 86_400_000

/** How often, as fields. */
export function RhythmFields({ rhythm, change }: { rhythm: Rhythm; change: (rhythm: Rhythm) => void }) {
  const { words } = useLanguage()
  const { form } = words.schedules
  return (
    <Group grow align="flex-start">
      <NativeSelect
        label={form.rhythm}
        value={rhythm.every}
        onChange={({ currentTarget: { value } }) => change(turned(rhythm, value))}
        data={KINDS.map(value => ({ value, label: form.rhythms[value] }))}
      />
      <Details rhythm={rhythm} change={change} />
    </Group>
  )
}

function Details({ rhythm, change }: { rhythm: Rhythm; change: (rhythm: Rhythm) => void }) {
  const { words, language } = useLanguage()
  const { form } = words.schedules
  const format = useFormat()
  const select = (
    { label, hint }: { label: string; hint?: string | undefined },
    value: number,
    { values, set }: { values: readonly number[]; set: (value: number) => Rhythm },
  ) => (
    <NativeSelect
      label={label}
      description={hint}
      inputWrapperOrder={['label', 'input', 'description']}
      value={String(value)}
      onChange={({ currentTarget }) => change(set(Number(currentTarget.value)))}
      data={values.map(one => ({ value: String(one), label: format.number(one) }))}
    />
  )
  if (rhythm.every === 'minutes')
    return select({ label: form.step }, rhythm.step, { values: STEPS, set: step => ({ ...rhythm, step }) })
  if (rhythm.every === 'hour')
    return select({ label: form.minute }, rhythm.minute, {
      values: MINUTES,
      set: minute => ({ ...rhythm, minute }),
    })
  if (rhythm.every === 'own')
    return (
      <TextInput
        label={form.cron}
        description={form.cronHint}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        value={rhythm.cron}
        maxLength={200}
        spellCheck={false}
        onChange={({ currentTarget }) => change({ ...rhythm, cron: currentTarget.value })}
      />
    )
  const weekday = new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' })
  return (
    <>
      {rhythm.every === 'week' ? (
        <NativeSelect
          label={form.weekday}
          value={String(rhythm.weekday)}
          onChange={({ currentTarget }) => change({ ...rhythm, weekday: Number(currentTarget.value) })}
          data={[1, 2, 3, 4, 5, 6, 0].map(day => ({
            value: String(day),
            label: weekday.format(A_SUNDAY + day * DAY_MS),
          }))}
        />
      ) : null}
      {rhythm.every === 'month'
        ? select(
            { label: form.monthDay, hint: rhythm.day > 28 ? form.monthDayHint : undefined },
            rhythm.day,
            {
              values: MONTH_DAYS,
              set: day => ({ ...rhythm, day }),
            },
          )
        : null}
      <TextInput
        type="time"
        label={form.time}
        value={rhythm.time}
        required
        withAsterisk={false}
        onChange={({ currentTarget: { value } }) =>
          change({ ...rhythm, time: value === '' ? '00:00' : value })
        }
      />
    </>
  )
}

/** Another kind of rhythm, at the same time where there is one. */
function turned(from: Rhythm, every: string): Rhythm {
  const time = 'time' in from ? from.time : '03:00'
  switch (every) {
    case 'minutes':
      return { every, step: 15 }
    case 'hour':
      return { every, minute: 0 }
    case 'week':
      return { every, weekday: 1, time }
    case 'month':
      return { every, day: 1, time }
    case 'own':
      return { every, cron: cronOf(from) }
    default:
      return { every: 'day', time }
  }
}
