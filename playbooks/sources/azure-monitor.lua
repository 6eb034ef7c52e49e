-- SPDX-License-Identifier: Apache-2.0
--
-- Azure Monitor's common alert schema. Resolved is what tells that a containment may be lifted;
-- it carries the same id as what fired.

local severities = {
    sev0 = "high", sev1 = "high", sev2 = "medium", sev3 = "low", sev4 = "informational",
}

-- An instance has an id of its own in AlertsManagement; an activity log alert has that of its
-- rule there, which all that it ever fires share.
local function id_of(essentials)
    local id, origin = alert.text(essentials, "alertId"), alert.text(essentials, "originAlertId")
    if id and id:lower():find("/microsoft.alertsmanagement/alerts/", 1, true) then return id end
    return origin or id or alert.refuse("the Azure Monitor alert has no alertId")
end

local function severity_of(essentials, context)
    -- A security alert that comes by way of the activity log tells how bad it is itself.
    if alert.text(context, "eventSource") == "Security" then
        local own = alert.text(alert.get(context, "properties"), "severity")
        if own then return own end
    end
    local word = alert.text(essentials, "severity") or ""
    return severities[word:lower()]
        or alert.refuse("the Azure Monitor alert's severity: want Sev0 to Sev4")
end

return {
    want = "the common alert schema (schemaId azureMonitorCommonAlertSchema)",

    is = function(event)
        return alert.text(event, "schemaId") == "azureMonitorCommonAlertSchema"
            and type(alert.at(event, "data", "essentials")) == "table"
    end,

    adapt = function(event)
        local data = alert.get(event, "data")
        local essentials, context = alert.get(data, "essentials"), alert.get(data, "alertContext")
        local condition = alert.text(essentials, "monitorCondition") or "Fired"
        local resources = {}
        for _, id in ipairs(alert.words(alert.get(essentials, "alertTargetIDs"))) do
            alert.join(resources, alert.resources(id))
        end
        local rule = alert.text(essentials, "alertRule")
        return {
            id = id_of(essentials),
            source = "azure-monitor",
            type = rule,
            title = alert.text(essentials, "description") or rule,
            severity = severity_of(essentials, context),
            status = condition:lower() == "resolved" and "resolved" or "active",
            time = alert.time(alert.text(essentials, "firedDateTime")),
            subscription = alert.subscription(resources[1], alert.get(essentials, "alertId")),
            resources = resources,
        }
    end,
}
