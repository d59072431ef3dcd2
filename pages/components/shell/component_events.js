// What happened in a component, told to the server with all that it has not answered yet: of two events during one
// run of the script it would hear the last only.
export class Telling {
  pending = [];
  last = 0;

  // How to tell, and the number of the last event that was heard, in which session; at each run of the script.
  answered(report, heard, session) {
    this.report = report;
    this.last = Math.max(this.last, heard);
    this.pending = this.pending.filter(({ number }) => number > heard);
    // A server that was started anew lets go what is told before its first run of the page.
    const another = this.session !== undefined && this.session !== session;
    if (another && this.pending.length) report("happened", this.pending);
    this.session = session;
  }

  // Returns the event's number.
  tell(event) {
    this.last += 1;
    this.pending.push({ ...event, number: this.last });
    this.report("happened", this.pending);
    return this.last;
  }
}
