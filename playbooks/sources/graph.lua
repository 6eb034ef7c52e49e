-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Graph security and Defender XDR: alerts (alerts_v2), incidents, rows of the tables
-- AlertInfo and AlertEvidence, and change notifications, which name one of these and hold nothing
-- of it: it is fetched by its id. Lifecycle notifications are about the subscription, and no
-- alerts.

local function graph_type(event)
    return (alert.text(event, "@odata.type") or ""):lower()
end

local function is_notification(event)
    return type(alert.get(event, "changeType")) == "string"
        and type(alert.get(event, "subscriptionId")) == "string"
        and type(alert.get(event, "resource")) == "string"
end

-- reauthorizationRequired, subscriptionRemoved, missed.
local function is_lifecycle(event)
    return type(alert.get(event, "lifecycleEvent")) == "string"
        and type(alert.get(event, "subscriptionId")) == "string"
end

-- A row as queries give it, or as the streaming API wraps it: {"category", "properties"}.
local function row_of(event)
    local category = alert.text(event, "category") or ""
    if category:lower():find("^advancedhunting%-") then return alert.get(event, "properties"), category end
    return event
end

local function is_row(event)
    local row, category = row_of(event)
    if category then return type(row) == "table" end
    local table_name = (alert.text(row, "Type") or ""):lower()
    if table_name == "alertinfo" or table_name == "alertevidence" then return true end
    return type(alert.get(row, "AlertId")) == "string"
        and (type(alert.get(row, "EntityType")) == "string"
            or (type(alert.get(row, "ServiceSource")) == "string" and type(alert.get(row, "Title")) == "string"))
end

local function is_alert(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.alert$") ~= nil
        or (type(alert.get(event, "serviceSource")) == "string"
            and type(alert.get(event, "createdDateTime")) == "string")
end

local function is_incident(event)
    return graph_type(event):find("^#microsoft%.graph%.security%.incident$") ~= nil
        or graph_type(event):find("^#microsoft%.graph%.incident$") ~= nil
        or (type(alert.get(event, "incidentWebUrl")) == "string"
            and type(alert.get(event, "displayName")) == "string")
end

-- unknown and unknownFutureValue: Graph itself cannot say, to a client that is older than the word.
local function severity_of(found, what, event)
    local word = alert.text(event, "severity")
    if word and word:lower():find("^unknown") then
        alert.note(found, 'the severity is "' .. word .. '": informational')
        return "informational"
    end
    return alert.graded(what, event, { "severity" })
end

-- -- The four ----------------------------------------------------------------------------------

local function from_alert(event)
    local found = alert.found()
    alert.collect(found, alert.get(event, "evidence"))
    alert.properties(found, alert.get(event, "additionalData"))
    alert.properties(found, alert.get(event, "customDetails"))
    local severity = severity_of(found, "the Graph alert", event)
    local entities, resources = alert.settle(found)
    return {
        id = alert.text(event, "id"),
        source = "graph",
        type = alert.text(event, "detectorId", "category"),
        title = alert.text(event, "title"),
        severity = severity,
        status = alert.text(event, "status"),
        time = alert.when(found, event, { "createdDateTime", "firstActivityDateTime", "lastUpdateDateTime" }),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]),
        link = alert.text(event, "alertWebUrl"),
        resources = resources,
        entities = entities,
        tactics = alert.tactics(alert.get(event, "category")),
        techniques = alert.techniques(alert.get(event, "mitreTechniques")),
        notes = found.notes,
    }
end

-- The address of a row of AlertEvidence: of the evidence itself, or of a connection that it had.
local function row_addresses(found, row)
    local is_address = (alert.text(row, "EntityType") or ""):lower() == "ip"
    alert.address(found, alert.text(row, "RemoteIP"), is_address and alert.whose(row) or nil)
    alert.address(found, alert.text(row, "LocalIP"), "own")
end

local function row_entities(found, row)
    local name, domain = alert.text(row, "AccountName"), alert.text(row, "AccountDomain")
    local file, folder = alert.text(row, "FileName"), alert.text(row, "FolderPath")
    row_addresses(found, row)
    alert.account(found, alert.text(row, "AccountUpn") or (name and domain and domain .. "\\" .. name) or name
        or alert.text(row, "AccountObjectId"))
    alert.join(found.hosts, { alert.text(row, "DeviceName") })
    alert.join(found.urls, { alert.text(row, "RemoteUrl") })
    alert.join(found.files, { folder and file and folder:gsub("[/\\]+$", "") .. "\\" .. file or file })
    alert.join(found.resources, alert.resources(alert.text(row, "ResourceID"), alert.text(row, "CloudResource")))
    local more = alert.opened(alert.get(row, "AdditionalFields"))
    if type(more) == "table" then alert.collect(found, { more }, more) end
end

-- Other tables of the stream hold events, and no alerts.
local function from_row(event)
    local row, category = row_of(event)
    if category and not category:lower():find("%-alert%a+$") then return nil end
    local found = alert.found()
    row_entities(found, row)
    local severity = severity_of(found, "the row of " .. (alert.text(row, "EntityType") and "AlertEvidence" or "AlertInfo"), row)
    local entities, resources = alert.settle(found)
    return {
        id = alert.text(row, "AlertId") or alert.refuse("the row has no AlertId"),
        source = "graph",
        type = alert.text(row, "DetectorId", "Category", "Title"),
        title = alert.text(row, "Title"),
        severity = severity,
        time = alert.when(found, row, { "Timestamp", "TimeGenerated" }) or alert.when(found, event, { "time" }),
        tenant = category and alert.text(event, "tenantId"), -- in a workspace it is the workspace's
        subscription = alert.subscription(resources[1]) or alert.text(row, "SubscriptionId"),
        resources = resources,
        entities = entities,
        tactics = alert.join(alert.tactics(alert.get(row, "Category")), alert.tactics(alert.get(row, "Categories"))),
        techniques = alert.techniques(alert.get(row, "AttackTechniques")),
        notes = found.notes,
    }
end

-- An incident that was merged into another speaks for that one from then on, or a run would
-- lose its case.
local function from_incident(event)
    local id, merged = alert.text(event, "id"), alert.text(event, "redirectIncidentId")
    local found = alert.found()
    for _, one in ipairs(alert.list(alert.get(event, "alerts"))) do
        alert.join(found.children, { alert.text(one, "id") })
        alert.collect(found, alert.get(one, "evidence"))
    end
    if merged then alert.join(found.children, { id }) end
    local severity = severity_of(found, "the Graph incident", event)
    local entities, resources = alert.settle(found)
    return {
        id = merged or id,
        source = "graph",
        type = "Incident",
        title = alert.text(event, "displayName"),
        severity = severity,
        status = merged and "active" or alert.text(event, "status"),
        time = alert.when(found, event, { "createdDateTime", "lastUpdateDateTime" }),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]),
        link = alert.text(event, "incidentWebUrl"),
        resources = resources,
        entities = entities,
        children = found.children,
        notes = found.notes,
    }
end

-- "security/alerts_v2/ID" and "security/alerts_v2('ID')" name the same.
local function from_notification(event)
    local resource = alert.text(event, "resource") or ""
    local kind, rest = resource:lower():match("security/(%a+_?v?2?)[/(](.*)$")
    local id = alert.text(alert.get(event, "resourceData"), "id")
    if rest and not id then id = resource:sub(-#rest):match("^'?([^')/]+)") end
    if kind ~= "alerts_v2" and kind ~= "incidents" then return nil end
    if not id then alert.refuse("the notification does not name what has changed") end
    return { fetch = kind == "incidents" and "graph-incidents" or "graph-alerts", id = id }
end

return {
    want = "an alert (alerts_v2), an incident, or a change notification of Graph security, or a row of"
        .. " AlertInfo or AlertEvidence",
    kin = { "defender-for-cloud", "sentinel", "cloudevents", "event-grid" },

    is = function(event)
        return is_notification(event) or is_lifecycle(event) or is_alert(event) or is_incident(event)
            or is_row(event)
    end,

    adapt = function(event)
        if is_lifecycle(event) then return nil end
        if is_notification(event) then return from_notification(event) end
        if is_alert(event) then return from_alert(event) end
        if is_row(event) then return from_row(event) end
        return from_incident(event)
    end,
}
