import fc from 'fast-check'

const LETTERS_AND_DIGITS = 'ABCXYZabcxyz0189'

/** Valid project ids; long ones as often as short ones. */
export const projectId: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...LETTERS_AND_DIGITS),
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...LETTERS_AND_DIGITS, '.', '_', '-'), maxLength: 63 }),
      fc.string({
        unit: fc.constantFrom(...LETTERS_AND_DIGITS, '_', '-'),
        minLength: 12,
        maxLength: 63,
        size: 'max',
      }),
    ),
  )
  .map(([first, rest]) => first + rest)
  .filter(id => !id.includes('..'))
