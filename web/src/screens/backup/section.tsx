export { Section } from '#shell/section.tsx'
