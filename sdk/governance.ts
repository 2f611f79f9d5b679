/** What a risk steward may move, in the order of the enum in contracts/interfaces/IRiskSteward.sol. */
export const STEWARD_PARAMETERS = [
  "SupplyCap",
  "BorrowCap",
  "MaxUtilisation",
  "ReservedPart",
  "SettlementPart",
  "ReserveFactor",
  "DepositsClosed",
  "BorrowsClosed",
  "OutflowCapacity",
  "OutflowWindow",
  "CollateralCap",
  "CollateralPart",
  "PerpOpenInterest",
  "PerpClamp",
  "PremiumAge",
  "OpenInterestRise",
  "ExpiryOpenInterest",
  "ExpiryReduceOnly",
  "FeeVolume",
  "FeeRate",
  "OptionFeeCap",
  "Maintenance",
  "InitialExtra",
  "AddOn",
  "BracketSize",
  "Kappa",
  "GroupMaintenance",
  "GroupInitialExtra",
] as const;

/** The name of a parameter that the steward contract knows. */
export type StewardParameter = (typeof STEWARD_PARAMETERS)[number];

/** Its name for people, from its number in an event or an error. */
export const stewardParameter = (number: bigint | number): string =>
  STEWARD_PARAMETERS[Number(number)] ?? `parameter ${number}`;
