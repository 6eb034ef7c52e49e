-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Sentinel's incident: as the automation rule gives it to a Logic App, which puts the
-- ARM resource into "object", or that resource alone. It is one alert; the alerts that it was
-- made of are its children.

local function incident_of(event)
    local inner = alert.opened(alert.get(event, "object"))
    return type(inner) == "table" and inner or event
end

local function is_incident(value)
    local kind = (alert.text(value, "type") or ""):lower()
    return kind == "microsoft.securityinsights/incidents"
        and type(alert.get(value, "properties")) == "table"
end

-- The ids of the alerts in it, as their own products know them.
local function children(alerts)
    local ids = {}
    for _, one in ipairs(alert.list(alerts)) do
        local properties = alert.get(one, "properties")
        ids[#ids + 1] = alert.text(properties, "systemAlertId") or alert.text(one, "name", "id")
    end
    return ids
end

-- What the alerts in it attack, where the incident itself does not say so.
local function attacked(alerts)
    local found = {}
    for _, one in ipairs(alert.list(alerts)) do
        for _, which in ipairs(alert.list(alert.at(one, "properties", "resourceIdentifiers"))) do
            alert.join(found, alert.resources(alert.get(which, "azureResourceId"), alert.get(which, "resourceId")))
        end
    end
    return found
end

-- The trigger of an automation rule on alerts puts the alert into "object" in the same way.
local function alert_in(event)
    local inner = alert.opened(alert.get(event, "object"))
    local kind = type(inner) == "table" and not is_incident(inner) and alert.kind(inner) or nil
    if kind and kind ~= "generic" then return kind, inner end
end

local function child_keys(alerts)
    local keys = {}
    for _, one in ipairs(alert.list(alerts)) do
        alert.join(keys, alert.child_keys(alert.get(one, "properties")), alert.keys(nil, alert.text(one, "name")))
    end
    return keys
end

-- An incident of the Defender portal has the number that it has there.
local function incident_keys(id, properties)
    local provider = alert.product(alert.text(properties, "providerName"))
    local number = alert.text(properties, "providerIncidentId")
    local keys = alert.keys("sentinel-incident", id)
    if provider == "defender-xdr" and number then alert.join(keys, alert.keys("graph-incident", number)) end
    return keys
end

-- The portal's test, or an incident of which each alert is one.
local function is_simulated(properties, alerts)
    if alert.simulated(alert.text(properties, "title"), alert.text(properties, "description")) then return true end
    local count, simulated = 0, 0
    for _, one in ipairs(alert.list(alerts)) do
        local its = alert.get(one, "properties")
        count = count + 1
        if alert.simulated(alert.text(its, "alertDisplayName"), alert.text(its, "description"),
            alert.text(its, "alertType"), alert.text(its, "providerName")) then
            simulated = simulated + 1
        end
    end
    return count > 0 and count == simulated or nil
end

-- A row of the table SecurityIncident, which a query or an export hands on: the same in columns.
local function is_row(event)
    return (alert.text(event, "type") or ""):lower() == "securityincident"
        or (alert.text(event, "IncidentName") ~= nil and alert.text(event, "IncidentNumber") ~= nil)
end

local function from_row(event)
    local found = alert.found()
    local extra = alert.opened(alert.get(event, "AdditionalData"))
    local status, over = alert.state(alert.text(event, "Status") or "New", alert.text(event, "Classification"),
        alert.text(event, "ClassificationReason"))
    local id = alert.text(event, "IncidentName") or alert.refuse("the row of SecurityIncident has no IncidentName")
    local children = alert.words(alert.get(event, "AlertIds"))
    return {
        id = id,
        source = "sentinel",
        keys = alert.join(incident_keys(id, event), alert.keys("defender-for-cloud", table.unpack(children))),
        over = over,
        simulated = alert.simulated(alert.text(event, "Title"), alert.text(event, "Description")),
        type = "Incident",
        title = alert.text(event, "Title"),
        severity = alert.graded("the row of SecurityIncident", event, { "Severity" }),
        status = status:lower() == "closed" and "resolved" or status,
        time = alert.when(found, event, { "CreatedTime", "FirstActivityTime", "TimeGenerated" }),
        link = alert.text(event, "IncidentUrl"),
        tactics = alert.tactics(alert.get(extra, "tactics"), true),
        techniques = alert.techniques(alert.get(extra, "techniques")),
        children = children,
        notes = found.notes,
    }
end

return {
    want = "an incident (type Microsoft.SecurityInsights/Incidents), bare or in the object of an"
        .. " automation rule's trigger, or an alert's entity (kind SecurityAlert)",
    kin = { "defender-for-cloud", "graph", "cloudevents", "event-grid" },

    is = function(event)
        return is_incident(incident_of(event)) or is_row(event) or alert_in(event) ~= nil
    end,

    adapt = function(event)
        if is_row(event) then return from_row(event) end
        local kind, inner = alert_in(event)
        if kind then return alert.as(kind, inner) end
        local incident = incident_of(event)
        local properties = alert.get(incident, "properties")
        local extra, alerts = alert.get(properties, "additionalData"), alert.get(properties, "alerts")
        local found = alert.found()
        alert.collect(found, alert.get(properties, "relatedEntities"), event)
        for _, one in ipairs(alert.list(alerts)) do
            alert.properties(found, alert.at(one, "properties", "additionalData"))
        end
        local entities, resources = alert.settle(found)
        local id = alert.text(incident, "name") or alert.text(incident, "id")
        if not id then alert.refuse("the incident has no name") end
        local status, over = alert.state(alert.text(properties, "status") or "New",
            alert.text(properties, "classification"), alert.text(properties, "classificationReason"))
        resources = alert.ordered(alert.join(resources, attacked(alerts)), found.attacked)
        return {
            id = id,
            source = "sentinel",
            keys = alert.join(incident_keys(id, properties), child_keys(alerts), found.child_keys),
            over = over,
            simulated = is_simulated(properties, alerts),
            type = "Incident",
            title = alert.text(properties, "title"),
            severity = alert.graded("the incident", properties, { "severity" }),
            status = status:lower() == "closed" and "resolved" or status,
            time = alert.when(found, properties, { "createdTimeUtc", "firstActivityTimeUtc", "lastModifiedTimeUtc" }),
            subscription = alert.subscription(resources[1])
                or alert.text(alert.get(event, "workspaceInfo"), "SubscriptionId")
                or alert.subscription(alert.get(incident, "id")),
            link = alert.text(properties, "incidentUrl"),
            resources = resources,
            entities = entities,
            tactics = alert.tactics(alert.get(extra, "tactics"), true),
            techniques = alert.techniques(alert.get(extra, "techniques")),
            children = alert.join(children(alerts), found.children),
            notes = found.notes,
        }
    end,
}
