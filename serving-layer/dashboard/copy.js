/* SPDX-License-Identifier: Apache-2.0
 * A copy of the rows that a question selects, kept by the view's event stream or, where there is none to have, by asking. */
import {ask, follow, viewPath} from "./api.js";

export class Copy {
  /* `changed` is called when rows or what they rest on changed. */
  constructor(view, question, changed, onTrouble) {
    this.view = view;
    this.question = question;
    this.rows = new Map();
    this.provenance = null;
    this.changed = changed;
    this.follower = follow({
      path: viewPath(view.name, question, "/stream"), onTrouble,
      take: event => this.take(event),
      askInstead: async isClosed => {
        const answer = await ask(viewPath(view.name, {...question, limit: 100000}));
        if (!isClosed()) this.take({...answer, reset: true, removed: []});
      },
    });
  }

  nameOf(row) {
    return JSON.stringify([row.window_start, ...this.view.dimensions.map(({name}) => row[name])]);
  }

  take({reset, rows, removed, provenance}) {
    if (reset) this.rows.clear();
    for (const row of rows) this.rows.set(this.nameOf(row), row);
    for (const row of removed) this.rows.delete(this.nameOf(row));
    this.provenance = provenance;
    this.changed();
  }

  close() { this.follower.close(); }
  again() { this.follower.again(); }
}
