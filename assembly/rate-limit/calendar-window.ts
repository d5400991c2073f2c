import { FixedWindow } from "./fixed-window";

const DAY: u64 = 86_400_000_000_000;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_TO_EPOCH: u64 = 719_468;

/** A fixed window that is a month or a year of the calendar, in UTC. Clients are told 30 or 365 days, as by the service. */
@final
export class CalendarWindow extends FixedWindow {
  constructor(
    name: string,
    limit: u64,
    private readonly months: u64,
  ) {
    super(name, limit, (months == 1 ? 30 : 365) * DAY);
  }

  protected override windowAt(time: u64): u64 {
    return monthAt(time / DAY) / this.months;
  }

  protected override startOf(window: u64): u64 {
    return firstDay(window * this.months) * DAY;
  }
}

/**
 * Months from January of the year 0 to that of the day, which counts from 1970 on. Years are counted from March, so that a leap
 * day is their last (Howard Hinnant, "chrono-compatible low-level date algorithms").
 */
function monthAt(day: u64): u64 {
  const sinceMarch = day + DAYS_TO_EPOCH;
  const era = sinceMarch / 146_097;
  const dayOfEra = sinceMarch % 146_097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  return (era * 400 + yearOfEra) * 12 + (5 * dayOfYear + 2) / 153 + 2;
}

/** The day since 1970 on which a month begins. */
function firstDay(month: u64): u64 {
  const sinceMarch = month - 2;
  const year = sinceMarch / 12;
  return year * 365 + year / 4 - year / 100 + year / 400 + (153 * (sinceMarch % 12) + 2) / 5 - DAYS_TO_EPOCH;
}
