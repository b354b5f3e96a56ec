module github.com/GoogleCloudPlatform/functions-framework-go

go 1.26.0

require github.com/cloudevents/sdk-go/v2 v2.16.2
