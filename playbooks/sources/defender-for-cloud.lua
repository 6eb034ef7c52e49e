-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Defender for Cloud, in the ways in which it says the same: the event of continuous
-- export and workflow automation (AlertType, SystemAlertId ...), the ARM resource (the same
-- names, in "properties"), and the entry in the activity log.

local function is_event(event)
    local name = type(alert.get(event, "AlertDisplayName")) == "string"
    return type(alert.get(event, "SystemAlertId")) == "string"
        or (type(alert.get(event, "AlertType")) == "string" and name)
end

local function is_activity(event)
    local category = alert.text(alert.get(event, "category"), "value") or ""
    local operation = alert.text(alert.get(event, "operationName"), "value") or ""
    return category:lower() == "security"
        and operation:lower():find("^microsoft%.security/.*alerts/") ~= nil
end

-- Others too put an alert's names into "properties"; their type says who they are.
local function is_resource(event)
    local kind = alert.text(event, "type") or "Microsoft.Security/alerts"
    return is_event(alert.get(event, "properties"))
        and kind:lower():find("^microsoft%.security/.*alerts$") ~= nil
end

local function severity(event)
    return alert.text(event, "Severity", "ReportedSeverity")
        or alert.refuse("the Defender for Cloud alert has no Severity")
end

-- What the identifiers name: resources, and whose they are.
local function identified(found, event)
    for _, one in ipairs(alert.list(alert.get(event, "ResourceIdentifiers"))) do
        alert.join(found.resources, alert.resources(alert.get(one, "AzureResourceId")))
        found.tenant = found.tenant or alert.text(one, "AzureResourceTenantId", "AadTenantId")
        found.subscription = found.subscription or alert.text(one, "WorkspaceSubscriptionId")
    end
end

-- Where the attacked thing is says more than where the workspace is.
local function subscription(found, event, document)
    return alert.subscription(found.resources[1])
        or (not found.resources[1] and alert.text(event, "AzureResourceSubscriptionId"))
        or found.subscription
        or alert.text(event, "WorkspaceSubscriptionId")
        or alert.text(document, "subscriptionId")
        or alert.subscription(alert.get(document, "id"))
end

-- What the event and the ARM resource have in common; event is where the names are.
local function from_event(event, document)
    local found = {
        resources = alert.resources(alert.get(event, "AzureResourceId")),
        tenant = alert.text(event, "TenantId", "AadTenantId"),
    }
    local id = alert.text(event, "SystemAlertId") or alert.text(document, "name")
    if not id then alert.refuse("the Defender for Cloud alert has no SystemAlertId") end
    identified(found, event)
    local entities, resources = alert.entities(alert.get(event, "Entities"), document)
    alert.join(found.resources, resources)
    return {
        id = id,
        source = "defender-for-cloud",
        type = alert.text(event, "AlertType"),
        title = alert.text(event, "AlertDisplayName", "AlertType"),
        severity = severity(event),
        confidence = alert.confidence(alert.get(event, "ConfidenceLevel"), alert.get(event, "ConfidenceScore")),
        status = alert.text(event, "Status"),
        time = alert.time(alert.text(event, "TimeGenerated", "TimeGeneratedUtc", "StartTimeUtc")),
        tenant = found.tenant,
        subscription = subscription(found, event, document),
        link = alert.text(event, "AlertUri"),
        resources = found.resources,
        entities = entities,
        tactics = alert.words(alert.get(event, "Intent")),
        techniques = alert.join(alert.words(alert.get(event, "Techniques")), alert.words(alert.get(event, "SubTechniques"))),
    }
end

-- The activity log tells the alert's name and severity, and no type: its name is the nearest to
-- one that a playbook can be matched by.
local function from_activity(event)
    local properties, name = alert.get(event, "properties"), alert.get(event, "eventName")
    local id = alert.text(event, "correlationId", "eventDataId")
    if not id then alert.refuse("the activity log entry has no correlationId") end
    local found = { resources = alert.resources(alert.get(properties, "azureResourceId")) }
    return {
        id = id,
        source = "defender-for-cloud",
        type = alert.text(properties, "alertType") or alert.text(name, "value"),
        title = alert.text(name, "value", "localizedValue"),
        severity = severity(properties),
        status = alert.text(alert.get(event, "status"), "value"),
        time = alert.time(alert.text(event, "eventTimestamp", "submissionTimestamp")),
        tenant = alert.text(event, "tenantId"),
        subscription = subscription(found, properties, event),
        resources = found.resources,
        tactics = alert.words(alert.get(properties, "intent")),
    }
end

-- A recommendation is advice, and nobody is attacked: there is nothing to contain.
local function is_recommendation(event)
    return (alert.text(event, "type") or ""):lower() == "microsoft.security/assessments"
end

return {
    want = "the event with AlertType and SystemAlertId, the ARM resource with these in"
        .. " properties, or the activity log entry of category Security",

    is = function(event)
        return is_event(event) or is_resource(event) or is_activity(event) or is_recommendation(event)
    end,

    adapt = function(event)
        if is_recommendation(event) then return nil end
        if is_activity(event) then return from_activity(event) end
        return from_event(is_event(event) and event or alert.get(event, "properties"), event)
    end,
}
