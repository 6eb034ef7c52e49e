-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Sentinel's incident: as the automation rule gives it to a Logic App, which puts the
-- ARM resource into "object", or that resource alone. It is one alert; the alerts that it was
-- made of are its children.

local function incident_of(event)
    local inner = alert.get(event, "object")
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
    local inner = alert.get(event, "object")
    local kind = type(inner) == "table" and not is_incident(inner) and alert.kind(inner) or nil
    if kind and kind ~= "generic" then return kind, inner end
end

-- A row of the table SecurityIncident, which a query or an export hands on: the same in columns.
local function is_row(event)
    return (alert.text(event, "type") or ""):lower() == "securityincident"
        or (alert.text(event, "IncidentName") ~= nil and alert.text(event, "IncidentNumber") ~= nil)
end

local function from_row(event)
    local found = alert.found()
    local extra = alert.opened(alert.get(event, "AdditionalData"))
    local status = alert.text(event, "Status") or "New"
    return {
        id = alert.text(event, "IncidentName") or alert.refuse("the row of SecurityIncident has no IncidentName"),
        source = "sentinel",
        type = "Incident",
        title = alert.text(event, "Title"),
        severity = alert.graded("the row of SecurityIncident", event, { "Severity" }),
        status = status:lower() == "closed" and "resolved" or status,
        time = alert.when(found, event, { "CreatedTime", "FirstActivityTime", "TimeGenerated" }),
        link = alert.text(event, "IncidentUrl"),
        tactics = alert.tactics(alert.get(extra, "tactics"), true),
        techniques = alert.techniques(alert.get(extra, "techniques")),
        children = alert.words(alert.get(event, "AlertIds")),
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
        local status = alert.text(properties, "status") or "New"
        return {
            id = id,
            source = "sentinel",
            type = "Incident",
            title = alert.text(properties, "title"),
            severity = alert.graded("the incident", properties, { "severity" }),
            status = status:lower() == "closed" and "resolved" or status,
            time = alert.when(found, properties, { "createdTimeUtc", "firstActivityTimeUtc", "lastModifiedTimeUtc" }),
            subscription = alert.text(alert.get(event, "workspaceInfo"), "SubscriptionId")
                or alert.subscription(alert.get(incident, "id")),
            link = alert.text(properties, "incidentUrl"),
            resources = alert.join(resources, attacked(alerts)),
            entities = entities,
            tactics = alert.tactics(alert.get(extra, "tactics"), true),
            techniques = alert.techniques(alert.get(extra, "techniques")),
            children = alert.join(children(alerts), found.children),
            notes = found.notes,
        }
    end,
}
