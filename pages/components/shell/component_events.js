// Events of a component, queued until the server has acknowledged them: of two values that a component reports
// during one run of the script, Streamlit keeps the last only. So each report holds all events not acknowledged yet.
export class EventQueue {
  pending = [];
  last = 0; // the number of the last event

  // At each run of the script: how to report, the number of the last event that the server has handled, and in which
  // session.
  acknowledge(report, handled, session) {
    this.report = report;
    this.last = Math.max(this.last, handled);
    this.pending = this.pending.filter(({ number }) => number > handled);
    // A restarted server drops what is reported before its first run of the page.
    const restarted = this.session !== undefined && this.session !== session;
    if (restarted && this.pending.length) report("events", this.pending);
    this.session = session;
  }

  // Reports an event, and returns its number.
  emit(event) {
    this.last += 1;
    this.pending.push({ ...event, number: this.last });
    this.report("events", this.pending);
    return this.last;
  }
}
