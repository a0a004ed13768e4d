import { Radio, Stack } from '@mantine/core'
import type { Person } from '#api/generated/types.gen.ts'
import { useWords } from '#words/language.tsx'

export type Role = Person['role']
const ROLES: readonly Role[] = ['viewer', 'operator', 'restorer', 'admin']

export function RoleInput({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  const { people, shell } = useWords()
  return (
    <Radio.Group
      label={people.role}
      value={value}
      onChange={chosen => {
        const role = ROLES.find(one => one === chosen)
        if (role !== undefined) onChange(role)
      }}
    >
      <Stack gap="xs" mt="xs">
        {ROLES.map(role => (
          <Radio key={role} value={role} label={shell.roles[role]} description={people.roleWords[role]} />
        ))}
      </Stack>
    </Radio.Group>
  )
}
