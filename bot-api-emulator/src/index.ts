export type { Clock } from '#clock.ts'
export type { Fault, FaultTiming } from '#control/faults.ts'
export type { Inspection, StoredMessage } from '#control/inspection.ts'
export type { RequestEntry } from '#control/traffic.ts'
export {
  type EmulatedBot,
  type EmulatedChat,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '#emulator.ts'
export { EmulatorError } from '#errors.ts'
export type { EmulatorLimits } from '#limits.ts'
export type { ChatDeclaration } from '#world/declaring.ts'
export type { ChatType } from '#world/records.ts'
export type { AdministratorRights } from '#world/rights.ts'
