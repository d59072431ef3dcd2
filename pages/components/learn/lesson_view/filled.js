// A text in which names in braces are replaced by their values.
export const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);
