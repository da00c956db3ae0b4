import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { HealthModule } from '../health/health.module.js';
import { CrmClient } from './crm/crm-client.js';
import { CrmDeliveryService } from './crm/crm-delivery.service.js';
import { CrmOutbox } from './crm/crm-outbox.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { MailTemplates } from './mail/mail-templates.js';
import { MailTransport } from './mail/mail-transport.js';
import { MessageTransports } from './message-transports.js';
import { MessagesService } from './messages.service.js';
import { OutboxListener } from './outbox-listener.js';
import { SmsTexts } from './sms/sms-texts.js';
import { SmsTransport } from './sms/sms-transport.js';
import { SubscriptionsService } from './webhooks/subscriptions.service.js';
import { WebhookDeliveryService } from './webhooks/webhook-delivery.service.js';
import { WebhookOutbox } from './webhooks/webhook-outbox.js';
import { WebhookRecordsService } from './webhooks/webhook-records.service.js';
import { WebhookSender } from './webhooks/webhook-sender.js';

/** Everything that leaves the service: CRM events, webhooks, mails and text messages. */
@Module({
  imports: [BrandsModule, HealthModule],
  providers: [
    CrmClient,
    CrmDeliveryService,
    CrmOutbox,
    DeliveriesService,
    DeliveryMetrics,
    MailTemplates,
    MailTransport,
    MessagesService,
    MessageTransports,
    OutboxListener,
    SmsTexts,
    SmsTransport,
    SubscriptionsService,
    WebhookDeliveryService,
    WebhookOutbox,
    WebhookRecordsService,
    WebhookSender,
  ],
  exports: [DeliveriesService, MailTemplates, MailTransport, MessagesService, SubscriptionsService],
})
export class DeliveryModule {}
