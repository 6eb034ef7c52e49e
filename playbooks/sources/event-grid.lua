-- SPDX-License-Identifier: Apache-2.0
--
-- Events in Event Grid's own schema. An alert that lies in one is read as what it is; of others,
-- as those of Key Vault, the envelope says what happened and to what.

-- What Event Grid tells about a subscription of ours is no event of anybody's.
local function is_own(kind)
    return kind:find("^Microsoft%.EventGrid%.Subscription") ~= nil
end

return {
    want = "an event (or a list of them) with id, eventType, eventTime and data",
    kin = { "cloudevents" }, -- a subscription of Event Grid chooses the schema

    is = function(event)
        return type(alert.get(event, "eventType")) == "string"
            and type(alert.get(event, "id")) == "string"
            and type(alert.get(event, "eventTime")) == "string"
    end,

    adapt = function(event)
        local kind = alert.text(event, "eventType") or alert.refuse("the event's eventType is empty")
        if is_own(kind) then return nil end
        return alert.envelope({
            kind = "event-grid",
            id = alert.text(event, "id") or alert.refuse("the event's id is empty"),
            type = kind,
            source = alert.text(event, "topic"),
            subject = alert.text(event, "subject"),
            time = alert.text(event, "eventTime"),
            data = alert.get(event, "data"),
        })
    end,
}
