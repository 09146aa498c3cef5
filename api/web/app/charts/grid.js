// Moving in a grid by keyboard: one place of the page's tab order, arrow keys within.

/**
 * What an arrow key leads to.
 * @param {KeyboardEvent} event @param {number} row @param {number} column @param {number} rows @param {number} columns
 * @returns {[number, number] | null}
 */
export function moved(event, row, column, rows, columns) {
  switch (event.key) {
    case 'ArrowUp':
      return [Math.max(0, row - 1), column];
    case 'ArrowDown':
      return [Math.min(rows - 1, row + 1), column];
    case 'ArrowLeft':
      return [row, Math.max(0, column - 1)];
    case 'ArrowRight':
      return [row, Math.min(columns - 1, column + 1)];
    case 'Home':
      return [row, 0];
    case 'End':
      return [row, columns - 1];
    default:
      return null;
  }
}

/** Whether a key means the same as a click. @param {KeyboardEvent} event */
export const chooses = (event) => event.key === 'Enter' || event.key === ' ';
