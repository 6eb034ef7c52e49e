-- SPDX-License-Identifier: Apache-2.0
--
-- CloudEvents 1.0: structured, as items of a batch, or binary, which reaches us as an object of
-- "headers" (ce-id, ce-type ...) and "data". An alert that lies in one is read as what it is.

-- The attributes, wherever they stand.
local function attributes(event)
    local headers = alert.get(event, "headers")
    if type(headers) ~= "table" or alert.get(headers, "ce-specversion") == nil then return event end
    local found = { data = alert.get(event, "data"), data_base64 = alert.get(event, "data_base64") }
    for _, name in ipairs({ "specversion", "id", "type", "source", "subject", "time" }) do
        found[name] = alert.text(headers, "ce-" .. name)
    end
    return found
end

local function is_ours(found)
    local version = alert.text(found, "specversion")
    return version ~= nil and version:find("^1%.") ~= nil
end

-- JSON that was sent as text or as bytes is JSON all the same.
local function data_of(found)
    local data, bytes = alert.get(found, "data"), alert.text(found, "data_base64")
    if data ~= nil and bytes then
        alert.refuse("the event has data and data_base64: it could be read in two ways")
    end
    if bytes then
        data = alert.base64(bytes) or alert.refuse("the event's data_base64 is no base64 text")
    end
    if type(data) == "string" then return alert.json(data) or data end
    return data
end

return {
    want = "an event with specversion 1.0, id, source and type",
    kin = { "event-grid" }, -- a subscription of Event Grid chooses the schema

    is = function(event)
        return is_ours(attributes(event))
    end,

    adapt = function(event)
        local found = attributes(event)
        local id, source = alert.text(found, "id"), alert.text(found, "source")
        local kind = alert.text(found, "type")
        if not (id and source and kind) then
            alert.refuse("the event wants id, source and type, each a text")
        end
        if kind:find("^Microsoft%.EventGrid%.Subscription") then return nil end
        return alert.envelope({
            kind = "cloudevents",
            id = source .. "#" .. id, -- unique only together
            type = kind,
            source = source,
            subject = alert.text(found, "subject"),
            time = alert.text(found, "time"),
            data = data_of(found),
        })
    end,
}
