import { Radio, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { COUNT_RULES, isCount, type KeepDraft, keepPolicy } from '#screens/schedules/keep.ts'
import { useWords } from '#words/language.tsx'

const MODES = ['none', 'rules', 'all'] as const
const RULES = [...COUNT_RULES.filter(name => name !== 'minimum'), 'within', 'minimum', 'tags'] as const

/** The policy of a schedule, as fields. */
export function KeepFields({ keep, change }: { keep: KeepDraft; change: (keep: KeepDraft) => void }) {
  const { form } = useWords().schedules
  const isEmpty = keep.mode === 'rules' && RULES.every(name => !keep.rules[name]?.trim())
  return (
    <Stack gap="sm">
      <Radio.Group
        label={form.keep}
        value={keep.mode}
        onChange={value => change({ ...keep, mode: MODES.find(mode => mode === value) ?? 'none' })}
      >
        <Stack gap={6} mt={4}>
          {MODES.map(mode => (
            <Radio key={mode} value={mode} label={form.keeps[mode]} />
          ))}
        </Stack>
      </Radio.Group>
      {keep.mode === 'rules' ? (
        <>
          <Text size="sm" c="dimmed">
            {form.rulesHint}
          </Text>
          <SimpleGrid cols={{ base: 2, sm: 3 }}>
            {RULES.map(name => (
              <TextInput
                key={name}
                label={form.rules[name]}
                value={keep.rules[name] ?? ''}
                onChange={({ currentTarget: { value } }) =>
                  change({ ...keep, rules: { ...keep.rules, [name]: value } })
                }
                maxLength={64}
                description={name === 'within' ? form.withinHint : undefined}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                autoComplete="off"
                inputMode={name === 'within' || name === 'tags' ? 'text' : 'numeric'}
                error={
                  name !== 'within' && name !== 'tags' && !isCount(keep.rules[name])
                    ? form.badCount
                    : undefined
                }
              />
            ))}
          </SimpleGrid>
          {isEmpty && keepPolicy(keep) === undefined ? <Text size="sm">{form.noRule}</Text> : null}
        </>
      ) : null}
    </Stack>
  )
}
