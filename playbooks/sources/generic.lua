-- SPDX-License-Identifier: Apache-2.0
--
-- An alert that has our own shape already, in whole or in part: made by hand, by a script, or
-- by us. Names are exact here: what nobody reads is refused.

return {
    want = "an object with id, title and severity",

    is = function(event)
        return type(event) == "table" and type(event.id) == "string"
            and type(event.title) == "string" and type(event.severity) == "string"
    end,

    adapt = function(event)
        return event
    end,
}
